package app

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/notify"
)

// metrics counts what an operator watches. No label ever names a site, a person or a device.
type metrics struct {
	registry  *prometheus.Registry
	events    *prometheus.CounterVec
	outcomes  *prometheus.CounterVec
	refusals  *prometheus.CounterVec
	alarms    *prometheus.CounterVec
	messages  *prometheus.CounterVec
	decisions prometheus.Histogram
	requests  *prometheus.HistogramVec
}

func newMetrics(connected func() bool) *metrics {
	buckets := prometheus.ExponentialBuckets(0.0005, 2, 14)
	m := &metrics{
		registry: prometheus.NewRegistry(),
		events:   counter("loquet_events_total", "Events committed, by kind.", "kind"),
		outcomes: counter("loquet_openings_total", "Outcomes of openings.", "outcome"),
		refusals: counter("loquet_refusals_total", "Refused requests, by code.", "code"),
		alarms:   counter("loquet_alarms_total", "Alarms raised, by reason.", "reason"),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "loquet_messages_total",
			Help: "Messages to people that were handed over, or given up."}, []string{"channel", "outcome"}),
		decisions: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "loquet_decision_seconds", Help: "From receipt to durable commit.", Buckets: buckets}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "loquet_http_seconds", Help: "HTTP requests, streams left out.",
			Buckets: buckets}, []string{"method", "status"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.events, m.outcomes, m.refusals, m.alarms, m.messages, m.decisions, m.requests,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "loquet_mqtt_connected", Help: "1 while the broker is connected."},
			func() float64 {
				if connected() {
					return 1
				}
				return 0
			}))
	return m
}

func counter(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
}

// committed counts a decision.
func (m *metrics) committed(events []event.Event, took time.Duration) {
	m.decisions.Observe(took.Seconds())
	for _, e := range events {
		m.events.WithLabelValues(string(e.Body.Kind())).Inc()
		switch b := e.Body.(type) {
		case event.OpeningResolved:
			m.outcomes.WithLabelValues(string(b.Outcome)).Inc()
		case event.Refused:
			m.refusals.WithLabelValues(string(b.Code)).Inc()
		case event.AlarmRaised:
			m.alarms.WithLabelValues(string(b.Reason)).Inc()
		}
	}
}

// told counts a message to somebody.
func (m *metrics) told(c notify.Channel, handedOver bool) {
	outcome := "given-up"
	if handedOver {
		outcome = "handed-over"
	}
	m.messages.WithLabelValues(string(c), outcome).Inc()
}

// count measures requests. A stream has no end worth measuring.
func (m *metrics) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun, seen := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		if seen.Header().Get("Content-Type") != "text/event-stream" {
			m.requests.WithLabelValues(r.Method, strconv.Itoa(seen.status)).Observe(time.Since(begun).Seconds())
		}
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the flusher beneath.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
