package tesla

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/event"
	"github.com/teslamotors/vehicle-command/pkg/connector"
	"github.com/teslamotors/vehicle-command/pkg/protocol"
	universal "github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/universalmessage"
	"google.golang.org/protobuf/proto"
)

// link carries the library's messages to one car. The library sends again what it believes not to have arrived, and it
// believes so of every broken connection; so the link lets through only as many messages as the present step may send,
// and remembers what became of them.
type link struct {
	car   *car
	inbox chan []byte
	once  sync.Once

	mu   sync.Mutex
	step *step
}

var _ connector.Connector = (*link)(nil)

// step is one thing that is asked of a car.
type step struct {
	ask      maker.Ask
	by       *maker.Consent
	just     func() error // just before the wire
	messages int          // how many may still be sent
	unproven bool         // an answer need not be signed

	// What became of the last message:
	failed error // of the call
	fault  universal.MessageFault_E
	signed bool // the answer was the car's own, or the library would not have taken it
}

// errSpent is what the library gets instead of a message too many.
var errSpent = protocol.NewError("a message is sent only once", true, false)

// errUnsigned is an answer that anybody on the way could have given.
var errUnsigned = fmt.Errorf("%w: the car did not sign what it answered (its software may be older than 2024.38)", device.ErrNonsense)

func newLink(c *car) *link { return &link{car: c, inbox: make(chan []byte, connector.BufferSize)} }

// begin makes the messages that follow belong to a step.
func (l *link) begin(s *step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.step = s
}

// Send is called by the library for each message.
func (l *link) Send(ctx context.Context, message []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.step
	if s.messages <= 0 {
		return errSpent
	}
	s.messages--
	s.failed, s.fault, s.signed = nil, universal.MessageFault_E_MESSAGEFAULT_ERROR_NONE, false
	answer, err := l.deliver(ctx, s, message)
	if err == nil {
		err = s.check(message, answer)
	}
	if err != nil {
		s.failed = err
		return &protocol.CommandError{Err: err, PossibleSuccess: outcome(err) != event.NotDone}
	}
	select {
	case l.inbox <- answer:
		return nil
	default:
		return protocol.NewError("too many answers", true, false)
	}
}

// deliver posts a message (developer.tesla.com, "signed_command"), and returns the car's answer.
func (l *link) deliver(ctx context.Context, s *step, message []byte) ([]byte, error) {
	body, err := json.Marshal(struct {
		Message []byte `json:"routable_message"`
	}{message})
	if err != nil {
		return nil, err
	}
	answer, err := l.car.call(ctx, s.by, maker.Call{
		Ask: s.ask, Method: http.MethodPost, Path: l.car.path("signed_command"), JSON: body, Just: s.just,
	})
	if err != nil {
		return nil, err
	}
	return parseAnswer(answer.Body)
}

// parseAnswer reads the car's message out of Tesla's answer.
func parseAnswer(body []byte) ([]byte, error) {
	var said struct {
		Response []byte `json:"response"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return nil, err
	}
	if len(said.Response) == 0 {
		return nil, fmt.Errorf("%w: the car's message is missing", device.ErrNonsense)
	}
	return said.Response, nil
}

// check refuses what the library would silently drop, and what it would take although nobody signed it.
func (s *step) check(request, response []byte) error {
	var asked, said universal.RoutableMessage
	if err := proto.Unmarshal(request, &asked); err != nil {
		return err
	}
	if err := proto.Unmarshal(response, &said); err != nil {
		return fmt.Errorf("%w: the car's message can't be read", device.ErrNonsense)
	}
	from, to := said.GetFromDestination().GetDomain(), said.GetToDestination().GetRoutingAddress()
	if from != asked.GetToDestination().GetDomain() || !bytes.Equal(to, asked.GetFromDestination().GetRoutingAddress()) {
		return fmt.Errorf("%w: the message answers another one", device.ErrNonsense)
	}
	s.fault = said.GetSignedMessageStatus().GetSignedMessageFault()
	s.signed = said.GetSignatureData().GetAES_GCM_ResponseData() != nil
	plain := asked.GetSignatureData() != nil && !s.signed && s.fault == 0 && said.GetSessionInfo() == nil
	if plain && !s.unproven {
		return errUnsigned
	}
	return nil
}

// Receive is where the library hears answers.
func (l *link) Receive() <-chan []byte { return l.inbox }

// VIN names the car.
func (l *link) VIN() string { return l.car.vin }

// Close is the end of the library's listening.
func (l *link) Close() { l.once.Do(func() { close(l.inbox) }) }

// PreferredAuthMethod is the one that Tesla's cloud lets through.
func (l *link) PreferredAuthMethod() connector.AuthMethod { return connector.AuthMethodHMAC }

// RetryInterval is how long the library waits before it asks again, which it does in vain when the step is spent.
func (l *link) RetryInterval() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.step.messages <= 0 {
		return time.Millisecond
	}
	return 250 * time.Millisecond
}

// AllowedLatency is how old the car's word on its own clock may be.
func (l *link) AllowedLatency() time.Duration { return 10 * time.Second }

// refusals are the faults with which a car says that it did not begin. Timeouts and internal faults are not among them.
var refusals = map[universal.MessageFault_E]error{
	universal.MessageFault_E_MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID:               device.ErrRevoked,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_INACTIVE_KEY:                 device.ErrRevoked,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_INVALID_KEY_HANDLE:           device.ErrRevoked,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_INSUFFICIENT_PRIVILEGES:      device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_REMOTE_ACCESS_DISABLED:       device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_INVALID_SIGNATURE:            device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_INCORRECT_EPOCH:              device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_TIME_EXPIRED:                 device.ErrExpired,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_TIME_TO_LIVE_TOO_LONG:        device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_INVALID_DOMAINS:              device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_INVALID_COMMAND:              device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_DECODING:                     device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_WRONG_PERSONALIZATION:        device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_BAD_PARAMETER:                device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_REQUEST_MTU_EXCEEDED:         device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_COULD_NOT_HASH_METADATA:      device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_IV_INCORRECT_LENGTH:          device.ErrRefused,
	universal.MessageFault_E_MESSAGEFAULT_ERROR_REQUIRES_RESPONSE_ENCRYPTION: device.ErrRefused,
}

// verdict says what became of a step whose call of the library ended with err.
func (s *step) verdict(err error) (event.Outcome, error) {
	var nominal *protocol.NominalError
	switch refusal := refusals[s.fault]; {
	case err == nil:
		return event.Unknown, nil // accepted, which is all that it means here
	case s.failed != nil:
		return outcome(s.failed), s.failed
	case errors.Is(err, protocol.ErrKeyNotPaired):
		return event.NotDone, fmt.Errorf("%w: the car does not know our key", device.ErrRevoked)
	case refusal != nil:
		return event.NotDone, fmt.Errorf("%w (fault %d)", refusal, s.fault)
	case errors.As(err, &nominal) && s.signed: // or somebody on the way says so in its name
		return event.NotDone, fmt.Errorf("%w: %w", device.ErrRefused, err)
	case s.fault != 0:
		return event.Unknown, fmt.Errorf("%w: the car reported fault %d", device.ErrNoAnswer, s.fault)
	}
	return event.Unknown, fmt.Errorf("%w: %w", device.ErrNoAnswer, err)
}

// outcome says what became of a message whose call failed.
func outcome(err error) event.Outcome {
	if errors.Is(err, device.ErrAsleep) {
		return event.NotDone
	}
	return maker.Outcome(err)
}
