package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/mqtt"
	"github.com/loquet/loquet/store"
)

// serverAccount is Loquet's own account at the embedded broker.
const serverAccount = "loquet"

// accountRecord is the register's name for devices' accounts at the embedded broker.
const accountRecord = "mqtt-account"

// accounts keeps who may connect to the embedded broker; with a broker of the operator's own it refuses.
type accounts struct {
	register store.Register
	broker   *broker.Broker
}

type accountData struct {
	Hash     string   `json:"hash"`
	Reports  []string `json:"reports"`
	Commands []string `json:"commands"`
}

var errOwnBroker = errors.New("this server uses a broker of your own: make the account there")

// add gives a device an account with a new password, instead of an earlier one of that name.
func (a *accounts) add(ctx context.Context, r accountRequest) (password string, err error) {
	if a.broker == nil {
		return "", errOwnBroker
	}
	if r.Name == "" || r.Name == serverAccount || len(r.Reports) == 0 {
		return "", errors.New("an account needs a name of its own and the topics on which it reports")
	}
	password = broker.NewPassword()
	data := accountData{Hash: broker.HashPassword(password), Reports: r.Reports, Commands: r.Commands}
	if err := a.broker.Allow(data.account(r.Name)); err != nil {
		return "", err
	}
	return password, a.keep(ctx, r.Name, data)
}

func (a *accounts) keep(ctx context.Context, name string, data accountData) error {
	encoded, err := json.Marshal(data)
	if err != nil {
		return err
	}
	old, err := a.register.Get(ctx, accountRecord, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err = a.register.Put(ctx, store.Record{Kind: accountRecord, ID: name, Version: old.Version, Data: encoded})
	return err
}

func (d accountData) account(name string) broker.Account {
	return broker.Account{Credentials: broker.Credentials{Username: name, PasswordHash: d.Hash}, Reports: d.Reports, Commands: d.Commands}
}

// load lets every account of the register in.
func (a *accounts) load(ctx context.Context) error {
	for after := ""; ; {
		records, err := a.register.List(ctx, accountRecord, after, 500)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			after = r.ID
			var data accountData
			if err := json.Unmarshal(r.Data, &data); err != nil {
				return fmt.Errorf("the account %q can't be read: %w", r.ID, err)
			}
			if err := a.broker.Allow(data.account(r.ID)); err != nil {
				return fmt.Errorf("the account %q: %w", r.ID, err)
			}
		}
	}
}

// prepareMQTT starts the embedded broker, unless the operator has one, and makes the client that will connect to it.
func prepareMQTT(ctx context.Context, c ServeConfig, register store.Register, sent device.Log, log *slog.Logger) (*mqtt.Client, *accounts, error) {
	known := &accounts{register: register}
	dial := mqtt.ClientConfig{URL: c.MQTTURL, Username: c.MQTTUser, Log: sent, Logger: log}
	if c.MQTTURL != "" {
		if err := c.ownBroker(&dial); err != nil {
			return nil, nil, err
		}
		client, err := mqtt.New(dial)
		return client, known, err
	}
	password := broker.NewPassword()
	started, err := broker.Start(broker.Config{Address: c.MQTTListen, Logger: log,
		Server: broker.Credentials{Username: serverAccount, PasswordHash: broker.HashPassword(password)}})
	if err != nil {
		return nil, nil, fmt.Errorf("the embedded broker can't start: %w", err)
	}
	known.broker = started
	if err := known.load(ctx); err != nil {
		return nil, nil, errors.Join(err, started.Close())
	}
	// It has no name at the embedded broker, which ends with this process and so can keep nothing for the next.
	dial.URL, dial.Username, dial.Password = started.URL(), serverAccount, password
	client, err := mqtt.New(dial)
	return client, known, err
}

func (c ServeConfig) ownBroker(dial *mqtt.ClientConfig) (err error) {
	if dial.ClientID, err = loadOrDrawName(c.file(clientName)); err != nil {
		return err
	}
	if c.MQTTPasswordFile != "" {
		password, err := os.ReadFile(c.MQTTPasswordFile)
		if err != nil {
			return fmt.Errorf("the broker's password can't be read: %w", err)
		}
		dial.Password = strings.TrimRight(string(password), "\r\n")
	}
	if c.MQTTCA == "" {
		return nil
	}
	trust, err := trustOnly(c.MQTTCA)
	dial.TLS = trust
	return err
}

// loadOrDrawName returns this installation's name at the operator's broker. It is drawn once and stays the same, so
// that the broker keeps for the next process what devices report while none is there.
func loadOrDrawName(path string) (string, error) {
	kept, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("the name at the broker can't be read: %w", err)
	}
	if name := strings.TrimSpace(string(kept)); knownName.MatchString(name) {
		return name, nil
	}
	drawn := make([]byte, 8)
	_, _ = rand.Read(drawn)
	name := fmt.Sprintf("loquet-%x", drawn)
	if err := os.WriteFile(path, []byte(name+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("the name at the broker can't be kept: %w", err)
	}
	return name, nil
}

// knownName is what loadOrDrawName draws: 23 bytes, which every broker takes (MQTT 5, 3.1.3.1).
var knownName = regexp.MustCompile(`^loquet-[0-9a-f]{16}$`)
