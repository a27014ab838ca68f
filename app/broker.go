package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
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

// connectMQTT starts the embedded broker, unless the operator has one, and begins to connect to it.
func connectMQTT(ctx context.Context, c ServeConfig, register store.Register, sent device.Log, log *slog.Logger) (*mqtt.Client, *accounts, error) {
	known := &accounts{register: register}
	dial := mqtt.ClientConfig{URL: c.MQTTURL, Username: c.MQTTUser, Log: sent, Logger: log}
	if c.MQTTURL != "" {
		if err := c.ownBroker(&dial); err != nil {
			return nil, nil, err
		}
		client, err := mqtt.Dial(ctx, dial)
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
	dial.URL, dial.Username, dial.Password = started.URL(), serverAccount, password
	client, err := mqtt.Dial(ctx, dial)
	return client, known, err
}

func (c ServeConfig) ownBroker(dial *mqtt.ClientConfig) error {
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
