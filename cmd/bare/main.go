// A Go program that does nothing. What it costs to start is the start of the Go runtime, and the benchmark subtracts
// it from what a worker process costs.
package main

func main() {}
