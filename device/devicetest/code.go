package devicetest

import (
	"errors"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

var codeCases = []testCase{
	{"a code opens once it is set, and not when it is removed", codeLives},
	{"the removal of a code is read back", removalIsReadBack},
	{"a code keeps its leading zeros", leadingZeros},
	{"a code that can't be logged is not set", codeLogFails},
	{"an expired code is not set", codeExpired},
	{"a code may be removed twice", removedTwice},
	{"removing an old code leaves the new one", removingOldKeepsNew},
	{"a code is digits", codeIsDigits},
}

func (b *bench) setCode(code string, permit event.PermitID) {
	b.Helper()
	outcome, err := b.coder().SetCode(b.within(enough), device.CodeOrder{
		Permit: permit, Code: code, Deadline: time.Now().Add(lasting),
	})
	b.wantOutcome(outcome, err, event.Done)
}

func (b *bench) removeCode(permit event.PermitID) {
	b.Helper()
	outcome, err := b.coder().RemoveCode(b.within(enough), permit)
	b.wantOutcome(outcome, err, event.Done)
}

func codeLives(b *bench) {
	permit := b.nextPermit()
	if b.coder(); b.World.TypeCode("493817") == nil {
		b.Fatal("it knows the code already")
	}
	b.setCode("493817", permit)
	r := b.record()
	if err := b.World.TypeCode("493817"); err != nil {
		b.Fatal(err)
	}
	r.wait(0, "the opening by code", b.opened)
	b.World.Shut()
	b.removeCode(permit)
	if b.World.TypeCode("493817") == nil {
		b.Fatal("the removed code opens")
	}
	set, removed := b.log.Lines(event.ActSetCode), b.log.Lines(event.ActRemoveCode)
	if len(set) != 1 || set[0].Permit != permit || len(removed) != 1 || removed[0].Permit != permit {
		b.Fatalf("the log has %+v and %+v", set, removed)
	}
}

func removalIsReadBack(b *bench) {
	b.coder()
	permit := b.nextPermit()
	b.setCode("493817", permit)
	b.play(KeepCodes)
	outcome, err := b.coder().RemoveCode(b.within(brief), permit)
	if outcome == event.Done || err == nil {
		b.Fatalf("the code still opens, and its removal is %v, %v", outcome, err)
	}
	b.World.Behave()
	b.removeCode(permit)
}

func leadingZeros(b *bench) {
	b.setCode("004217", b.nextPermit())
	if err := b.World.TypeCode("004217"); err != nil {
		b.Fatal(err)
	}
}

func codeLogFails(b *bench) {
	b.log.FailWith(errors.New("the disk is full"))
	outcome, err := b.coder().SetCode(b.within(enough), device.CodeOrder{
		Permit: b.nextPermit(), Code: "493817", Deadline: time.Now().Add(lasting),
	})
	b.wantOutcome(outcome, err, event.NotDone)
	b.log.FailWith(nil)
	b.setCode("271828", b.nextPermit())
	if b.World.TypeCode("493817") == nil {
		b.Fatal("what could not be logged was sent")
	}
}

func codeExpired(b *bench) {
	outcome, err := b.coder().SetCode(b.within(enough), device.CodeOrder{
		Permit: b.nextPermit(), Code: "493817", Deadline: time.Now().Add(-time.Second),
	})
	b.wantOutcome(outcome, err, event.NotDone)
	if !errors.Is(err, device.ErrExpired) {
		b.Errorf("the error is %v; want ErrExpired", err)
	}
}

func removedTwice(b *bench) {
	permit := b.nextPermit()
	b.setCode("493817", permit)
	b.removeCode(permit)
	b.removeCode(permit)
}

func removingOldKeepsNew(b *bench) {
	old, fresh := b.nextPermit(), b.nextPermit()
	b.setCode("111111", old)
	b.setCode("222222", fresh)
	b.removeCode(old)
	if b.World.TypeCode("111111") == nil {
		b.Fatal("the old code opens")
	}
	if err := b.World.TypeCode("222222"); err != nil {
		b.Fatalf("the new code is gone with the old one: %v", err)
	}
}

func codeIsDigits(b *bench) {
	for _, bad := range []string{"", "12a4", "12 34", "-123"} {
		outcome, err := b.coder().SetCode(b.within(enough), device.CodeOrder{
			Permit: b.nextPermit(), Code: bad, Deadline: time.Now().Add(lasting),
		})
		b.wantOutcome(outcome, err, event.NotDone)
	}
	if len(b.log.Lines(event.ActSetCode)) != 0 {
		b.Error("the log has a line for what was not sent")
	}
}
