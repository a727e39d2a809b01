"""Jobs of several processes, on this machine or on several by ssh: who is started where, and how.

Enters: a program, how many workers and servers, a host file. Leaves: a finished run, or a message that says which
process ended the job, where and why. Guaranteed: when a job has ended, nothing of it runs any more.
"""
