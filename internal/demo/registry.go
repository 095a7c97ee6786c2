package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a registry inside the process, on loopback.
type Registry struct {
	Host   string // with its port
	server *http.Server
	ended  chan error
}

// Serve starts a registry that holds the samples. Close ends it.
func Serve(ctx context.Context, samples []Sample) (*Registry, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the sample registry: %w", err)
	}
	r := &Registry{
		Host: listener.Addr().String(),
		server: &http.Server{
			Handler:           registry.New(registry.Logger(log.New(io.Discard, "", 0))),
			ReadHeaderTimeout: 10 * time.Second,
		},
		ended: make(chan error, 1),
	}
	go func() { r.ended <- r.server.Serve(listener) }()
	for _, s := range samples {
		if err := r.push(ctx, s); err != nil {
			return nil, errors.Join(fmt.Errorf("push %s: %w", r.Reference(s), err), r.Close())
		}
	}
	return r, nil
}

// Reference is what to pull for a sample.
func (r *Registry) Reference(s Sample) string { return r.Host + "/" + s.Repository + ":" + s.Tag }

// Close ends the registry and waits for it.
func (r *Registry) Close() error {
	err := r.server.Close()
	if ended := <-r.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func (r *Registry) push(ctx context.Context, s Sample) error {
	ref, err := name.NewTag(r.Reference(s), name.Insecure)
	if err != nil {
		return err
	}
	if s.Index != nil {
		return remote.WriteIndex(ref, s.Index, remote.WithContext(ctx))
	}
	return remote.Write(ref, s.Image, remote.WithContext(ctx))
}

// Write writes the samples into an OCI layout, tagged by their names.
func Write(dir string, samples []Sample) error {
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("write the layout %s: %w", filepath.Clean(dir), err)
	}
	for _, s := range samples {
		tag := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": s.Name})
		if s.Index != nil {
			err = path.AppendIndex(s.Index, tag)
		} else {
			err = path.AppendImage(s.Image, tag)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", s.Name, err)
		}
	}
	return nil
}
