package auth

import (
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/event"
)

// ProofWindow is how far a proof's time may be from the server's, in both directions.
const ProofWindow = 60 * time.Second

// Courier is who signed a request. Only Couriers.Verify makes one.
type Courier struct {
	id        event.CourierID
	publicJWK string
	signed    event.Signed
}

// ID is the courier.
func (c Courier) ID() event.CourierID { return c.id }

// PublicJWK is the key that signed, in canonical form.
func (c Courier) PublicJWK() string { return c.publicJWK }

// Signed is what an event keeps of the request.
func (c Courier) Signed() event.Signed { return c.signed }

// Actor is the courier as journals name it.
func (c Courier) Actor() event.Actor { return event.Actor{Kind: event.ActorCourier, ID: string(c.id)} }

// Request is a request that a device signed.
type Request struct {
	Method string
	// URL is the address as the client sees it, with scheme and host: behind a proxy, the public one.
	URL   string
	Body  []byte
	Proof string
}

// Verify returns the courier whose device signed the request, once for each proof. This process remembers proofs
// until their window ends; a proof that opened something is remembered in the site's own state, durably, so that
// neither a restart nor a second node lets it count twice there.
// Errors: ErrProof, ErrUnbound, ErrOtherRequest, ErrClock, ErrReplayed, *TooMany, and the store's.
func (c *Couriers) Verify(ctx context.Context, r Request) (Courier, error) {
	key, err := proof.KeyOf(r.Proof)
	if err != nil {
		return Courier{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	b, err := c.bindingOf(ctx, key)
	if err != nil {
		return Courier{}, err
	}
	now := c.deps.now()
	claims, err := r.verify(b.PublicJWK, now)
	if err != nil {
		return Courier{}, err
	}
	if err := c.replays.add(key, claims.ID, claims.Issued().Add(window), now); err != nil {
		return Courier{}, err
	}
	signed := event.Signed{Key: key, ID: claims.ID, IssuedAt: claims.Issued(), JWS: r.Proof}
	return Courier{b.Courier, b.PublicJWK, signed}, nil
}

const window = event.Millis(ProofWindow / time.Millisecond)

func (c *Couriers) bindingOf(ctx context.Context, key event.KeyID) (Binding, error) {
	holder, _, err := load[pointer](ctx, c.deps.Register, kindDevice, string(key))
	if err != nil {
		return Binding{}, absent(err, ErrUnbound)
	}
	r, version, err := load[courierRecord](ctx, c.deps.Register, kindCourier, string(holder.Courier))
	if err != nil {
		return Binding{}, absent(err, ErrUnbound)
	}
	if !r.signs(key) {
		return Binding{}, ErrUnbound
	}
	return r.binding(holder.Courier, version), nil
}

// verify checks signature, address, body and time against one key; not whose key it is, nor replays.
func (r Request) verify(publicJWK string, now event.Instant) (proof.Claims, error) {
	c, err := proof.Verify(publicJWK, r.Proof)
	if err != nil {
		return proof.Claims{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	address, err := proof.Normalise(r.URL)
	if err != nil {
		return proof.Claims{}, fmt.Errorf("%w: %w", ErrOtherRequest, err)
	}
	if c.Method != r.Method || c.URL != address || c.Body != proof.Digest(r.Body) {
		return proof.Claims{}, ErrOtherRequest
	}
	if age := now.Since(c.Issued()); age > window || age < -window {
		return proof.Claims{}, ErrClock
	}
	return c, nil
}

// Prove signs a request with a device's key, as the courier's page does; jti is from NewProofID.
func Prove(key *ecdsa.PrivateKey, method, url string, body []byte, now time.Time, jti string) (string, error) {
	_, id, err := proof.KeyFrom(&key.PublicKey)
	if err != nil {
		return "", err
	}
	address, err := proof.Normalise(url)
	if err != nil {
		return "", err
	}
	if !proof.CheckID(jti) {
		return "", errors.New("auth: jti is not one of NewProofID")
	}
	payload, err := json.Marshal(proof.Claims{
		ID: jti, Method: method, URL: address, IssuedAt: now.Unix(), Body: proof.Digest(body),
	})
	if err != nil {
		return "", err
	}
	return sign(key, id, payload)
}

func sign(key *ecdsa.PrivateKey, id event.KeyID, payload []byte) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: string(id)}},
		new(jose.SignerOptions).WithType(proof.Type),
	)
	if err != nil {
		return "", fmt.Errorf("auth: sign: %w", err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("auth: sign: %w", err)
	}
	return jws.CompactSerialize()
}

// NewProofID draws the identifier of one proof: 128 random bits.
func NewProofID(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("auth: no randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
