package demo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/client"
)

// cast is who plays on a stage, in every scene of it: the operator, shops, and couriers with their phones.
// Safe for concurrent use.
type cast struct {
	stage *stage
	// carrier is whose couriers deliver.
	carrier string
	// operatorKey is an API key of the operator's.
	operatorKey string
	// parcels counts the labels that were printed.
	parcels atomic.Int64

	mu     sync.Mutex
	shops  map[string]string
	phones map[string]*ecdsa.PrivateKey
}

func newCast(s *stage, carrier string) *cast {
	return &cast{stage: s, carrier: carrier, shops: make(map[string]string), phones: make(map[string]*ecdsa.PrivateKey)}
}

// lot is where a scene takes place, and who brings the parcels there.
type lot struct {
	house    house
	building house
	// prefix tells the devices of one household from those of another on the same stage.
	prefix string
	// ways are the ways in, by names of devices; nil is one way through all of them.
	ways [][]string
	// called is what the household calls its places, by the last device of the way in; the device's name when absent.
	called map[string]string
	// shop sends the parcels, and bringer brings them.
	shop, bringer string
}

// house is an address with somebody who decides there.
type house struct {
	address string
	member  string
	at      point
}

// point is a place on the map, in degrees (WGS 84).
type point struct{ latitude, longitude float64 }

// off is the point so many metres to the east and to the north.
func (p point) off(east, north float64) point {
	return point{p.latitude + north*metre, p.longitude + east*metre/math.Cos(p.latitude*math.Pi/180)}
}

// metresTo is how far it is to another point near by, in metres.
func (p point) metresTo(q point) float64 {
	east := (q.longitude - p.longitude) * math.Cos(p.latitude*math.Pi/180)
	return math.Hypot(q.latitude-p.latitude, east) / metre
}

// The house of the scenarios stands here; nobody lives there.
var lilas = house{address: "12 rue des Lilas", member: "Camille Martin", at: point{48.8584, 2.2945}}

// zone is the time that all households live by.
const zone = "Europe/Paris"

// metre is one metre northwards, in degrees of latitude.
const metre = 1.0 / 111_195

func scenarioLot() lot { return lot{house: lilas, building: lilas, shop: "grocer", bringer: "Anna"} }

// openOffice has the operator speak in this scene, with an API key that is made for the first.
func (p *play) openOffice() {
	if p.operator != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.operatorKey == "" {
		p.operatorKey = p.key("operator", p.carrier)
	}
	p.operator = p.withKey(p.operatorKey)
}

func (p *play) withKey(key string) *client.Caller {
	return &client.Caller{URL: p.stage.url, Authorize: client.WithSecret("Bearer", key)}
}

func (p *play) key(role, identity string) string {
	key, err := p.stage.atMachine(p.ctx, "key", "create", "--role", role, "--identity", identity)
	p.must(err)
	return key
}

// shop is a merchant with an API key of its own.
func (p *play) shop(name string) *client.Caller {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shops[name] == "" {
		p.shops[name] = p.key("merchant", name)
	}
	return p.withKey(p.shops[name])
}

// courier is a person with a phone, who is registered and paired when first called.
func (p *play) courier(name string) *courier {
	phone, hired := p.phoneOf(name)
	if hired {
		p.say(name, "pairs a phone, whose key never leaves it")
	}
	return &courier{phone: p.signing(phone), play: p, id: p.courierID(name), name: name}
}

// caller is a further way to send requests from a courier's phone.
func (p *play) caller(name string) *client.Caller {
	phone, _ := p.phoneOf(name)
	return p.signing(phone)
}

func (p *play) signing(key *ecdsa.PrivateKey) *client.Caller {
	return &client.Caller{URL: p.stage.url, Authorize: client.SignedBy(key)}
}

func (p *play) phoneOf(name string) (phone *ecdsa.PrivateKey, hired bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if phone, known := p.phones[name]; known {
		return phone, false
	}
	return p.hire(name), true
}

// hire registers a courier and binds a new phone. The caller holds the lock.
func (p *play) hire(name string) *ecdsa.PrivateKey {
	id := p.courierID(name)
	p.must(p.operator.Call(p.ctx, "POST", "/v1/couriers", map[string]any{"id": id, "name": name}, nil))
	code, err := p.stage.atMachine(p.ctx, "courier", "pair", id)
	p.must(err)
	return p.pair(name, code)
}

// pair binds a new phone to the courier who was given the code.
func (p *play) pair(name, code string) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p.must(err)
	jwk, _, err := proof.KeyFrom(&key.PublicKey)
	p.must(err)
	p.must(p.signing(key).Call(p.ctx, "POST", "/v1/pair", map[string]any{"code": code, "publicJwk": jwk}, nil))
	p.phones[name] = key
	return key
}

func (c *cast) courierID(name string) string { return c.carrier + "-" + name }

// bringer is the courier of the scene.
func (p *play) bringer() *courier { return p.courier(p.lot.bringer) }

// now is the time as people's phones know it.
func now() string { return time.Now().Format(time.RFC3339Nano) }
