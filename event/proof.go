package event

// Signer is an event that a courier's device signed for. Its proof may not be used a second time.
type Signer interface{ Proof() Signed }

// Proof of the courier's device, if any.
func (e PlanBFollowed) Proof() Signed       { return e.Signed }
func (e VisitBegun) Proof() Signed          { return e.Signed }
func (e VisitEstimated) Proof() Signed      { return e.Signed }
func (e VisitArrived) Proof() Signed        { return e.Signed }
func (e ParcelScanned) Proof() Signed       { return e.Signed }
func (e ParcelMissing) Proof() Signed       { return e.Signed }
func (e DepositRecorded) Proof() Signed     { return e.Signed }
func (e OpeningIntended) Proof() Signed     { return e.Signed }
func (e CodeShown) Proof() Signed           { return e.Signed }
func (e CloseAsked) Proof() Signed          { return e.Signed }
func (e CourierLeftInDanger) Proof() Signed { return e.Signed }
func (e CourierReleased) Proof() Signed     { return e.Signed }
func (e Refused) Proof() Signed             { return e.Signed }
func (e LeaseAsked) Proof() Signed          { return e.Signed }
