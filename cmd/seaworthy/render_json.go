package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/seaworthy-dev/seaworthy"
)

// assessmentJSON is one assessment with its counts.
type assessmentJSON struct {
	seaworthy.Assessment
	Summary summary `json:"summary"`
}

// failure is a request that was not answered, or not in full.
type failure struct {
	Reference string         `json:"reference"`
	Code      seaworthy.Code `json:"code"`
	Error     string         `json:"error"`
}

// renderJSON writes {"assessments": […], "failed": […]}, the same shape for one
// image and for many. All vulnerabilities are there: the hidden ones are those
// with a class. Lists are never null, but failed is left out when it is empty.
func renderJSON(w io.Writer, as []seaworthy.Assessment, failed []failure) error {
	out := struct {
		Assessments []assessmentJSON `json:"assessments"`
		Failed      []failure        `json:"failed,omitempty"`
	}{make([]assessmentJSON, 0, len(as)), failed}
	for _, a := range as {
		s := summarise(&a, problemsOf(&a))
		out.Assessments = append(out.Assessments, assessmentJSON{withLists(a), s})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// withLists puts empty lists in the place of nil ones, whose JSON is null.
func withLists(a seaworthy.Assessment) seaworthy.Assessment {
	if a.Image.Layers == nil {
		a.Image.Layers = []seaworthy.Layer{}
	}
	if a.Inventory.Packages == nil {
		a.Inventory.Packages = []seaworthy.Placed{}
	}
	if a.Vulnerabilities == nil {
		a.Vulnerabilities = []seaworthy.Vulnerability{}
	}
	if a.Advisories == nil {
		a.Advisories = []seaworthy.Feed{}
	}
	return a
}
