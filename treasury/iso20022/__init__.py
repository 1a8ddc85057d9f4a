"""The bank's own language: payments out as pain.001, answers in as pain.002 and camt.054.

Pure: no database. Message versions written: pain.001.001.09. Read: any version of pain.002 and
camt.054, by the names of their elements, which have not changed between versions.
"""
