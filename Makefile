# Every word here is `python3 demo.py <word>`, for hands that type `make`.
PYTHON ?= python3
ARGS ?=
export ONCE UNSAFE

.PHONY: demo demo-reset test test-fast check bench bench-report challenge schema messages requirements
demo:
	@$(PYTHON) demo.py demo
demo-reset:
	@$(PYTHON) demo.py reset
test:
	@$(PYTHON) demo.py test $(ARGS)
test-fast:
	@$(PYTHON) demo.py test-fast $(ARGS)
check:
	@$(PYTHON) demo.py check $(ARGS)
bench:
	@$(PYTHON) demo.py bench $(BENCH) $(ARGS)
bench-report:
	@$(PYTHON) demo.py bench-report $(BENCH) $(ARGS)
challenge:
	@$(PYTHON) demo.py challenge
schema:
	@$(PYTHON) demo.py schema
messages:
	@$(PYTHON) demo.py messages
requirements:
	@$(PYTHON) demo.py requirements $(ARGS)
