"""Read-only connectors that a provider runs beside its own tools; they know no Django.

    prometheus   hours of DCGM exporter, Kepler, IPMI and Redfish exporters, through Prometheus
    slurm        accelerator-hours from `sacct --json`
    plain_csv    meter,starts_at,ends_at,quantity,unit
    events       interval readings as CloudEvents whose ids say what they are
    agent        signs, sends, spools while offline, resumes

`python -m providers.connectors CONFIG` or `manage.py meter_agent CONFIG` runs it. Every connector
gives whole clock hours that are over; an hour that was not observed well enough is left out and
becomes a gap on the server, never a guess.
"""
