package app

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// atServer is how a local command finds the running server.
type atServer struct {
	Data string `help:"The running server's data folder." default:"data" env:"LOQUET_DATA" type:"path"`
}

func (a atServer) socket() string { return filepath.Join(a.Data, socketName) }

type keyCommand struct {
	Create struct {
		atServer
		Role     string   `help:"merchant, carrier or operator." required:"" enum:"merchant,carrier,operator"`
		Identity string   `help:"Whom the key speaks for, such as the shop's name." required:""`
		Label    string   `help:"To tell keys apart."`
		Scope    []string `help:"What it may do; all of its role when left out."`
	} `cmd:"" help:"Make an API key and print it, once."`
}

// Run makes a key.
func (c *keyCommand) Run(env environment) error {
	r := auth.KeyRequest{Role: auth.Role(c.Create.Role), Identity: c.Create.Identity, Label: c.Create.Label, Scopes: auth.Scopes()}
	if len(c.Create.Scope) > 0 {
		r.Scopes = nil
	}
	for _, s := range c.Create.Scope {
		r.Scopes = append(r.Scopes, auth.Scope(s))
	}
	key, err := askLocal[keyText](env.ctx, c.Create.socket(), "/keys", r)
	if err != nil {
		return err
	}
	fmt.Fprintln(env.out, key.Text)
	return nil
}

type memberCommand struct {
	Link   memberLinkCommand   `cmd:"" help:"Print a one-time link's token, which signs the member in."`
	Invite memberInviteCommand `cmd:"" help:"Mail the member a one-time link. Following it confirms the address."`
}

type memberLinkCommand struct {
	atServer
	Member string `arg:"" help:"The member, such as k3v9-m2."`
	URL    bool   `help:"Print the whole link, to be opened in a browser." name:"url"`
}

// Run makes a link.
func (c *memberLinkCommand) Run(env environment) error {
	link, err := askLocal[linkAnswer](env.ctx, c.socket(), "/member-links", linkRequest{event.MemberID(c.Member)})
	if err != nil {
		return err
	}
	printed := link.Token
	if c.URL {
		printed = link.Address
	}
	fmt.Fprintln(env.out, printed)
	return nil
}

type memberInviteCommand struct {
	atServer
	Member string `arg:"" help:"The member, such as k3v9-m2."`
	Email  string `arg:"" help:"The member's address."`
	Lang   string `help:"Language of the mail." default:"fr" enum:"en,fr"`
}

// Run has the link mailed.
func (c *memberInviteCommand) Run(env environment) error {
	r := inviteRequest{event.MemberID(c.Member), c.Email, phrase.Lang(c.Lang)}
	_, err := askLocal[struct{}](env.ctx, c.socket(), "/member-invitations", r)
	return err
}

type staffCommand struct {
	Add  staffAddCommand  `cmd:"" help:"Make an account, and print a one-time link that signs the person in."`
	Link staffLinkCommand `cmd:"" help:"Print another one-time link for an account."`
}

type staffAddCommand struct {
	atServer
	Email string `help:"Where links to sign in are sent." required:""`
	Name  string `help:"What colleagues call the person; the address when left out."`
	Role  string `help:"viewer, dispatcher or admin." required:"" enum:"viewer,dispatcher,admin"`
}

// Run makes an account.
func (c *staffAddCommand) Run(env environment) error {
	n := auth.NewStaff{Name: cmp.Or(c.Name, c.Email), Address: c.Email, Role: auth.StaffRole(c.Role)}
	return printLink(env, c.socket(), "/staff", n)
}

type staffLinkCommand struct {
	atServer
	Email string `arg:"" help:"The account's address."`
}

// Run makes a link.
func (c *staffLinkCommand) Run(env environment) error {
	return printLink(env, c.socket(), "/staff-links", staffLinkRequest{c.Email})
}

func printLink(env environment, socket, path string, request any) error {
	link, err := askLocal[linkAnswer](env.ctx, socket, path, request)
	if err != nil {
		return err
	}
	fmt.Fprintln(env.out, link.Address)
	return nil
}

type courierCommand struct {
	Pair struct {
		atServer
		Courier string `arg:"" help:"The courier."`
	} `cmd:"" help:"Print a pairing code, which binds one device to the courier."`
}

// Run makes a pairing code.
func (c *courierCommand) Run(env environment) error {
	pairing, err := askLocal[auth.Pairing](env.ctx, c.Pair.socket(), "/courier-codes", codeRequest{event.CourierID(c.Pair.Courier)})
	if err != nil {
		return err
	}
	fmt.Fprintln(env.out, pairing.Code)
	return nil
}

type brokerCommand struct {
	Account struct {
		atServer
		Name     string   `arg:"" help:"The device's account."`
		Reports  []string `help:"Topics on which the device reports." required:""`
		Commands []string `help:"Topics on which it takes orders." required:""`
	} `cmd:"" help:"Give a device an account, or a new password, and print it once."`
}

// Run makes an account.
func (c *brokerCommand) Run(env environment) error {
	r := accountRequest{Name: c.Account.Name, Reports: c.Account.Reports, Commands: c.Account.Commands}
	answer, err := askLocal[accountAnswer](env.ctx, c.Account.socket(), "/broker-accounts", r)
	if err != nil {
		return err
	}
	fmt.Fprintln(env.out, answer.Password)
	return nil
}
