// Package ui is what all pages of Loquet share: the frame around a page, its words, its look, the guard before it
// and the live link behind it. The apps (web/customer, web/courier, web/operator, web/sign, web/desk) say only what
// stands on their pages.
//
// A server has one Kit. A page is answered with Kit.Render, its event stream with Kit.Live, and a failure with
// Kit.Fail:
//
//	kit, err := ui.New(ui.Options{Public: "https://loquet.example", Log: log, Now: time.Now, Random: rand.Reader})
//	mux := http.NewServeMux()
//	mux.Handle("/assets/", kit.Assets())
//	mux.Handle("/", kit.Guard(pages))
//
//	func (h *home) show(w http.ResponseWriter, r *http.Request) {
//		h.kit.Render(w, r, ui.Page{App: ui.Customer, Title: words.T(r.Context(), "u1.title"), Place: "12 rue Verte",
//			Live: "/home/live", Main: homePage(view)})
//	}
//
// # Truth
//
// Three kinds of truth are never mixed: what was asked, what was recorded, and what a device was seen to say. Only
// the last is shown as a fact, with its source, its age and its end: every such value goes through Seen (or a
// component that is made of it), which turns to "unknown" by itself once its time is over or the link is lost. What
// the state of a barrier is called is decided by StateOf and nowhere else.
//
// # Addresses of files
//
// Every embedded file is served under /assets/<hash of all files>/<prefix>/<name>, so that modules and style sheets
// can name each other relatively, and may be kept for ever.
package ui
