"""The ear: audiograms, prescriptions, the ear model and HAAQI. No Qt in here."""
