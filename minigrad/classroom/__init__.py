"""The lessons from the command line: find and run them, copy them, check a learner's answers.

The lessons themselves are scripts in the folder ``lessons``, which this package only finds.
"""
