package main

import (
	"context"
	"fmt"

	"serverlab/servers"
)

func list(_ context.Context, c *call) error {
	namesOnly := c.flags.Bool("names", false, "print the names only, one a line")
	if err := c.parse(0); err != nil {
		return err
	}
	if *namesOnly {
		for _, name := range servers.Names() {
			fmt.Fprintln(c.stdout, name)
		}
		return nil
	}
	fmt.Fprintf(c.stdout, "%-11s %-14s %s\n", "--arch", "the lecture", "idea")
	for _, a := range servers.Architectures {
		fmt.Fprintf(c.stdout, "%-11s %-14s %s\n", a.Name, a.Lecture, a.Idea)
		fmt.Fprintf(c.stdout, "%-26s %s\n", "", a.Limit)
	}
	if servers.Architectures[0].Serve == nil {
		fmt.Fprintln(c.stdout, "\nThey can be served and measured on Linux only; here results can be read.")
	}
	return nil
}
