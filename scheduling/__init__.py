"""The control room: workload, placement, allocation, dispatch, usage."""
