"""Whose money it is: partners, pools of securities and insurers beside a lender, settled once a day in the books."""
