// Package live shows a camera's picture in a browser while it happens.
//
// Two ways lead there. WHEP (draft-ietf-wish-whep) is WebRTC with one HTTP request: the picture is a fraction of a
// second old. HLS (draft-pantos-hls-rfc8216bis, with its low-latency extension) works through any proxy and shows
// what WebRTC can't: H.265 and B-frames. A page tries WHEP, and falls back to HLS where the answer's code is
// "use-hls" or no picture came within seconds. Both begin with the last key-frame group of the camera's Ring, so that
// the picture is there at once, however rarely the camera makes a key frame. Sound is never sent.
//
// Nothing here decides who may look: callers do, and wrap the handlers. Each viewing is a Look, which is told when it
// begins and when it ends, and which can be ended from outside at any time.
//
// # Failures
//
// A viewer that goes away is forgotten within about ten seconds, one that never connects as well. One that is too slow
// loses pictures of its own, and begins again at the next key frame. A camera that falls silent for seconds ends its
// looks, because a picture that stands still must never pass for a live one. What a look may cost is bounded: by the
// number of looks of one camera and of all, by the size of an offer, and by the requests that it may have under way.
package live
