package main

func largeAgainstSmall(c config) error { return nil }
