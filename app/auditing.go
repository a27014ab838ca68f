package app

import (
	"encoding/json"
	"fmt"

	"github.com/loquet/loquet/app/record"
)

type auditCommand struct {
	Data string `help:"Data folder of the server, which may be running." default:"data" env:"LOQUET_DATA" type:"path"`
	JSON bool   `help:"Print the report as JSON." name:"json"`
}

// Run checks the laws and fails if one was broken.
func (c *auditCommand) Run(env environment) error {
	report, err := record.Audit(env.ctx, c.Data)
	if err != nil {
		return fmt.Errorf("the audit could not be finished: %w", err)
	}
	if c.JSON {
		err = json.NewEncoder(env.out).Encode(report)
	} else {
		err = report.WriteText(env.out)
	}
	if err == nil && !report.OK() {
		err = errReported
	}
	return err
}
