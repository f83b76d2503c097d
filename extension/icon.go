package extension

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

var iconSizes = []int{16, 32, 48, 128}

func iconName(size int) string { return fmt.Sprintf("icon-%d.png", size) }

// A bar is a rounded rectangle in units of the icon's side.
type bar struct {
	left, top, right, bottom, radius float64
	ink                              color.NRGBA
}

// The icon is a page in ink blue with three lines of text, one of them marked.
var iconBars = []bar{
	{0, 0, 1, 1, 0.22, color.NRGBA{0x2b, 0x4a, 0x9b, 0xff}},
	{0.14, 0.39, 0.86, 0.61, 0.06, color.NRGBA{0xff, 0xe0, 0x4a, 0xff}},
	{0.22, 0.21, 0.78, 0.29, 0.04, color.NRGBA{0xff, 0xff, 0xff, 0xd0}},
	{0.22, 0.46, 0.78, 0.54, 0.04, color.NRGBA{0x22, 0x2a, 0x44, 0xff}},
	{0.22, 0.71, 0.58, 0.79, 0.04, color.NRGBA{0xff, 0xff, 0xff, 0xd0}},
}

// icon draws the icon as a PNG, size pixels wide and high.
func icon(size int) ([]byte, error) {
	const samples = 4 // a side: each pixel is the mean of 16 points
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			var r, g, b, a float64
			for s := range samples * samples {
				px := (float64(x) + (float64(s%samples)+0.5)/samples) / float64(size)
				py := (float64(y) + (float64(s/samples)+0.5)/samples) / float64(size)
				pr, pg, pb, pa := point(px, py)
				r, g, b, a = r+pr*pa, g+pg*pa, b+pb*pa, a+pa
			}
			if a > 0 {
				img.SetNRGBA(x, y, color.NRGBA{uint8(r / a), uint8(g / a), uint8(b / a), uint8(a / (samples * samples) * 255)})
			}
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}

// point is the color at a place: red, green and blue from 0 to 255, and how opaque from 0 to 1.
func point(x, y float64) (r, g, b, a float64) {
	for _, bar := range iconBars {
		if !bar.covers(x, y) {
			continue
		}
		over := float64(bar.ink.A) / 255
		r = r*(1-over) + float64(bar.ink.R)*over
		g = g*(1-over) + float64(bar.ink.G)*over
		b = b*(1-over) + float64(bar.ink.B)*over
		a = a*(1-over) + over
	}
	return r, g, b, a
}

func (b bar) covers(x, y float64) bool {
	if x < b.left || x > b.right || y < b.top || y > b.bottom {
		return false
	}
	dx := max(b.left+b.radius-x, x-(b.right-b.radius), 0)
	dy := max(b.top+b.radius-y, y-(b.bottom-b.radius), 0)
	return dx*dx+dy*dy <= b.radius*b.radius
}
