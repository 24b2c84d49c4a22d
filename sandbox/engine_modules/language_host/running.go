package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

// GetPluginInfo: the host has no version of its own.
func (h host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{}, nil
}

// GetRequiredPlugins asks the older host.
func (h host) GetRequiredPlugins(
	ctx context.Context, asked *pulumirpc.GetRequiredPluginsRequest,
) (*pulumirpc.GetRequiredPluginsResponse, error) {
	older, err := h.older()
	if err != nil {
		return nil, err
	}
	return older.GetRequiredPlugins(ctx, asked)
}

// Run has the older host run the program.
func (h host) Run(ctx context.Context, asked *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	older, err := h.older()
	if err != nil {
		return nil, err
	}
	return older.Run(ctx, asked)
}

// The older host, started when it is first needed. It ends by itself when the engine, whose address it gets, is gone.
func olderHost(language string) func() (pulumirpc.LanguageRuntimeClient, error) {
	return sync.OnceValues(func() (pulumirpc.LanguageRuntimeClient, error) {
		own, err := os.Executable()
		if err != nil {
			return nil, err
		}
		command := exec.Command(filepath.Join(filepath.Dir(own), "older", "pulumi-language-"+language), os.Args[1:]...)
		command.Stderr = os.Stderr
		said, err := command.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := command.Start(); err != nil {
			return nil, err
		}
		output := bufio.NewReader(said)
		port, err := output.ReadString('\n')
		if err != nil {
			return nil, err
		}
		go func() { _, _ = io.Copy(os.Stdout, output) }() // what programs print
		connection, err := grpc.NewClient(
			"127.0.0.1:"+strings.TrimSpace(port), grpc.WithTransportCredentials(insecure.NewCredentials()),
		)
		if err != nil {
			return nil, err
		}
		return pulumirpc.NewLanguageRuntimeClient(connection), nil
	})
}
