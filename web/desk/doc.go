// Package desk is the Demo desk: the page from which a visitor of the demo works the virtual home by hand. It exists
// nowhere else.
//
//	world.go   what the desk needs of the demo: how everything stands, and what hands can do
//	desk.go    addresses: the page, its live link, the hands, the ways in, what the courier's page asks
//	view.go    what the page shows of it; page.templ is the page
//	phone.go   the courier's page in a browser, as the demo's phone
//
// Nothing here knows of a virtual home: the demo is behind World, and the product is not concerned at all.
package desk
