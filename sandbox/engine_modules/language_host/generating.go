package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/pkg/v3/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const tool = "language_host"

// GeneratePackage writes the SDK of a schema into a folder.
func (h host) GeneratePackage(
	_ context.Context, asked *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	client, err := schema.NewLoaderClient(asked.LoaderTarget)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	loader := schema.NewCachedLoader(client)
	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(asked.Schema), &spec); err != nil {
		return nil, err
	}
	pkg, found, err := schema.BindSpec(spec, loader, schema.ValidationOptions{})
	if err != nil {
		return nil, err
	}
	answer := &pulumirpc.GeneratePackageResponse{Diagnostics: plugin.HclDiagnosticsToRPCDiagnostics(found)}
	if found.HasErrors() {
		return answer, nil
	}
	files, err := h.generate(pkg, loader, asked)
	if err != nil {
		return nil, err
	}
	for name, content := range files {
		path := filepath.Join(asked.Directory, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func (h host) generate(
	pkg *schema.Package, loader schema.ReferenceLoader, asked *pulumirpc.GeneratePackageRequest,
) (map[string][]byte, error) {
	switch h.language {
	case "nodejs":
		return nodejs.GeneratePackage(tool, pkg, asked.ExtraFiles, asked.LocalDependencies, asked.Local, loader)
	case "go":
		return gogen.GeneratePackage(tool, pkg, asked.LocalDependencies)
	}
	return nil, fmt.Errorf("no SDK for %s is generated here", h.language)
}
