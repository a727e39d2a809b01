"""Arithmetic about classes that are not equally frequent: how many, what a network sees, what can be measured."""
