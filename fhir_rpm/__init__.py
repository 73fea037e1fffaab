"""Does this patient's month show the interactive communication that CPT 99457 and 99470 require?"""
