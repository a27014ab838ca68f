package event

// LeaseAsked: the borrower's journal asks another site for its barrier, because a courier asked to open it.
// Borrower's journal.
type LeaseAsked struct {
	Lease   LeaseID   `json:"lease"`
	Visit   VisitID   `json:"visit"`
	Barrier BarrierID `json:"barrier"`
	Place   Place     `json:"place"`
	Signed  Signed    `json:"signed"`
}

// Kind of event.
func (LeaseAsked) Kind() Kind { return "lease.asked" }

// LeaseGranted: the barrier is the borrower's to open once. For the lender this is the intent: a block after
// it is too late. Number is the fencing number, larger with each grant. Lender's journal.
type LeaseGranted struct {
	Lease   LeaseID   `json:"lease"`
	Barrier BarrierID `json:"barrier"`
	Number  uint64    `json:"number"`
	Until   Instant   `json:"until"`
	Spec    Spec      `json:"spec"`
	// Known is what the lender knew of the barrier when it granted: a part that does not move in the visit is
	// reported by nobody again.
	Known Known `json:"known,omitzero"`
}

// Kind of event.
func (LeaseGranted) Kind() Kind { return "lease.granted" }

// LeaseRefused: the lender says no, and why. Lender's journal.
type LeaseRefused struct {
	Lease   LeaseID   `json:"lease"`
	Barrier BarrierID `json:"barrier"`
	Code    Code      `json:"code"`
}

// Kind of event.
func (LeaseRefused) Kind() Kind { return "lease.refused" }

// LeaseReceived: the grant reached the borrower. Borrower's journal.
type LeaseReceived struct {
	Lease  LeaseID `json:"lease"`
	Number uint64  `json:"number"`
	Until  Instant `json:"until"`
	Spec   Spec    `json:"spec"`
	// Known is as the grant says, no time later than the receipt: the lender's clock may run ahead.
	Known Known `json:"known,omitzero"`
}

// Kind of event.
func (LeaseReceived) Kind() Kind { return "lease.received" }

// LeaseDenied: the refusal reached the borrower. Borrower's journal.
type LeaseDenied struct {
	Lease LeaseID `json:"lease"`
	Code  Code    `json:"code"`
}

// Kind of event.
func (LeaseDenied) Kind() Kind { return "lease.denied" }

// LeaseReturnAsked: the lease is past its time; the lender asks for it back, and can do no more than ask.
// Lender's journal.
type LeaseReturnAsked struct {
	Lease   LeaseID   `json:"lease"`
	Barrier BarrierID `json:"barrier"`
}

// Kind of event.
func (LeaseReturnAsked) Kind() Kind { return "lease.return-asked" }

// LeaseReturned: the borrower is through with it: unspent, or spent and secured. It can't be spent after this.
// Borrower's journal.
type LeaseReturned struct {
	Lease   LeaseID   `json:"lease"`
	Barrier BarrierID `json:"barrier"`
	Spent   bool      `json:"spent,omitempty"`
}

// Kind of event.
func (LeaseReturned) Kind() Kind { return "lease.returned" }

// LeaseEnded: the barrier is the lender's again. Lender's journal.
type LeaseEnded struct {
	Lease   LeaseID   `json:"lease"`
	Barrier BarrierID `json:"barrier"`
	Spent   bool      `json:"spent,omitempty"`
}

// Kind of event.
func (LeaseEnded) Kind() Kind { return "lease.ended" }
