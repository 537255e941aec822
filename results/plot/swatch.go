package plot

// Swatch draws what a series looks like, a short line with its marker, for a legend beside the charts. It is part of a
// page that has CSS already, and says nothing to who listens: the name stands beside it.
func Swatch(style int) []byte {
	var c canvas
	k := lookOf(style)
	c.start("svg", "class", "plot swatch", "aria-hidden", "true", "viewBox", "0 0 34 16", "width", "34", "height", "16")
	c.start("g", "class", k.class)
	c.empty("path", "class", "line", "d", path([]float64{2, 8, 32, 8}), "fill", "none", "stroke", k.colour,
		"stroke-width", "2", "stroke-dasharray", k.dash)
	k.marker(&c, 17, 8, 4.5, "")
	c.end("g")
	c.end("svg")
	return []byte(c.b.String())
}
