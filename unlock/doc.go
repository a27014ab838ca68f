// Package unlock is the only code that may open a barrier, set a one-time code, or read one back to be shown.
//
//	Prepare ──▶ Draft ──▶ Commit ──▶ Permit ──▶ Redeem ──▶ done, not done, unknown
//	            (codes drawn         (durable)   (once: the
//	             and sealed)                      flag, the deadline, then the wire)
//
// The permit is spent by the durable commit of its intent. Commit performs that append itself and hands a
// Permit only to the goroutine whose append succeeded; there is no other way to make one. After a crash, or
// when it is not known whether the append happened, nobody holds the permit: the intent stands in the journal,
// its outcome is unknown, and the device is asked instead (package site does that by its deadlines).
package unlock
