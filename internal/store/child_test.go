package store_test

const childVariable = "WAYLEAVE_STORE_TEST_CHILD"

func runChild(string) int { return 2 }
