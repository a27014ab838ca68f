// Package clip keeps what a camera filmed during a visit: it records pictures as they come, sealed, reads them back,
// and erases them.
//
// # A clip
//
// A [Recorder] turns units into fragmented MP4 (ISO/IEC 14496-12) without transcoding: first the stream's
// configuration, then one fragment a second. Each fragment begins with a producer reference time (prft), so that the
// wall-clock time of each second stands in the picture's file itself. A new [camera.Format], a new connection of the
// camera, or an hour ends one clip and begins the next.
//
// # The sealed file
//
// What is stored is a sequence of records, appended one by one, each encrypted with AES-256-GCM under a key that
// belongs to this visit alone and is never stored here:
//
//	file   = "LOQCLIP1" record(configuration, 0) record(fragment, 1) record(fragment, 2) … [ record(end) u32(end's length) ]
//	record = u32(kind << 24 | length of the rest) u32(CRC-32C of that and the sequence number) nonce ciphertext tag
//
// Integers are big-endian. The additional data of each record is the clip's id, its kind and its sequence number, so
// that records can't be swapped, left out, or taken over from another clip. The checksum tells a damaged length from
// a file that was cut. A file without an end is one whose recording goes on or was killed: it plays up to its last
// whole record. The end holds the [Summary], the lengths of all records (one read finds any of them, also over a
// network), and the head of the finished film.
//
// # The film
//
// What a person downloads is plain MP4. While a clip has no end, it is the fragmented MP4 as recorded. A finished
// clip is served as a progressive MP4 with its duration and all its indexes at the front, so that every player shows
// its length and seeks at once: its head (ftyp, moov, the header of one mdat) stands in place of the recorded
// configuration, and the fragments follow untouched, inside that mdat. These bytes never change again, and the
// [Summary] has their SHA-256.
//
// # Durability
//
// A fragment is appended by one write, in the recorder's own goroutine. From then on a kill of the process loses
// nothing of it: at most the second being collected is lost. Against a power cut, an engine writes through to the
// disk every two seconds, for all its open files in one goroutine, never in a recorder's.
//
// # Failure
//
//   - A stalled disk fills the recorder's queue, which is bounded. What does not fit is dropped up to the next key unit,
//     counted, and reported by [Status.Fault]; the camera and other readers are not held up.
//   - A failed write (a full disk) ends the clip where it is, unfinished; the recorder begins another one as soon as it
//     can.
//   - [Finish] ends a clip whose recording was killed: it keeps all records up to the first one that is torn or
//     does not decrypt.
//   - Erasing removes everything of a clip together, and a kill in the middle leaves only what [Shelf.Sweep] or the
//     next start removes.
package clip
