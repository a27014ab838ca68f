package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// ServeConfig is what a server can be told, by flag or by environment (LOQUET_…).
type ServeConfig struct {
	Data      string `help:"Folder for everything that is kept." default:"data" env:"LOQUET_DATA" type:"path"`
	Listen    string `help:"Address of the HTTP API." default:"127.0.0.1:8480" env:"LOQUET_LISTEN"`
	PublicURL string `help:"The address that clients use, behind a proxy; couriers sign it." env:"LOQUET_PUBLIC_URL" name:"public-url"`

	MQTTListen       string `help:"Address of the embedded broker." default:"127.0.0.1:1883" env:"LOQUET_MQTT_LISTEN" name:"mqtt-listen"`
	MQTTURL          string `help:"An MQTT 5 broker of your own, mqtt:// or mqtts://, instead of the embedded one." env:"LOQUET_MQTT_URL" name:"mqtt-url"`
	MQTTUser         string `help:"Account at that broker." env:"LOQUET_MQTT_USER" name:"mqtt-user"`
	MQTTPasswordFile string `help:"File with that account's password." env:"LOQUET_MQTT_PASSWORD_FILE" name:"mqtt-password-file" type:"path"`
	MQTTCA           string `help:"File with the certificate authority of that broker (PEM), instead of the system's." env:"LOQUET_MQTT_CA" name:"mqtt-ca" type:"path"`

	Media          string `help:"own: start a media service beside this server, which films visits. none: no camera." default:"own" enum:"own,none" env:"LOQUET_MEDIA"`
	MediaURL       string `help:"A media service on another machine, https://host:port, instead of an own one." env:"LOQUET_MEDIA_URL" name:"media-url"`
	MediaTokenFile string `help:"File with the secret that it asks for." env:"LOQUET_MEDIA_TOKEN_FILE" name:"media-token-file" type:"path"`
	MediaCA        string `help:"File with the certificate authority of that service (PEM), instead of the system's." env:"LOQUET_MEDIA_CA" name:"media-ca" type:"path"`
	MediaConfig

	NotifyConfig

	EntranceConfig

	CarsConfig

	Phone          string `help:"The operator's number that couriers and households are given to call." env:"LOQUET_PHONE"`
	MembersReserve bool   `help:"Let households find and reserve devices themselves; for an installation of one's own." env:"LOQUET_MEMBERS_RESERVE" name:"members-reserve"`
	ProvableOnly   bool   `help:"Refuse doors that nothing can prove shut; those that are there already stay." env:"LOQUET_PROVABLE_ONLY" name:"provable-only"`

	LocalWebhooks bool   `help:"Allow webhooks and push services on this machine and in its networks, over plain HTTP too; for trying things out." env:"LOQUET_LOCAL_WEBHOOKS" name:"local-webhooks"`
	Zone          string `help:"The time zone of the operator's office, such as Europe/Paris; left out, the machine's own if it has a name, else UTC." env:"LOQUET_ZONE"`
	Demo          bool   `help:"Say on every page that nothing real opens." hidden:""`
	LogLevel      string `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"LOQUET_LOG_LEVEL" name:"log-level"`
}

// check completes the configuration, or says what can't be.
func (c *ServeConfig) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("--listen %q is not an address of the form host:port", c.Listen)
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("--public-url %q is not an http or https address", c.PublicURL)
		}
		c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	}
	if c.MQTTURL == "" && (c.MQTTUser != "" || c.MQTTPasswordFile != "" || c.MQTTCA != "") {
		return errors.New("--mqtt-user, --mqtt-password-file and --mqtt-ca belong to --mqtt-url")
	}
	if err := errors.Join(c.checkNotify(), c.checkEntrance(), c.checkCars()); err != nil {
		return err
	}
	return c.checkMedia()
}

func (c *ServeConfig) file(name string) string { return filepath.Join(c.Data, name) }

// makeData creates the folder, closed to other users.
func (c *ServeConfig) makeData() error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder can't be made: %w", err)
	}
	return nil
}
