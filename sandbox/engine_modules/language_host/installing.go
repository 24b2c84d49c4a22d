package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"golang.org/x/mod/modfile"
)

// Link names SDKs in the program's own list of what it needs.
func (h host) Link(_ context.Context, asked *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	folder := asked.Info.ProgramDirectory
	for _, each := range asked.Packages {
		command, err := h.linking(folder, each.Path)
		if err != nil {
			return nil, err
		}
		if said, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", command, err, said)
		}
	}
	return &pulumirpc.LinkResponse{}, nil
}

func (h host) linking(folder, sdk string) (*exec.Cmd, error) {
	var command *exec.Cmd
	if h.language == "go" {
		content, err := os.ReadFile(filepath.Join(folder, sdk, "go.mod"))
		if err != nil {
			return nil, err
		}
		command = exec.Command("go", "mod", "edit", "-replace", modfile.ModulePath(content)+"=./"+filepath.ToSlash(sdk))
	} else {
		var about struct{ Name string }
		content, err := os.ReadFile(filepath.Join(folder, sdk, "package.json"))
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(content, &about); err != nil {
			return nil, err
		}
		command = exec.Command("npm", "pkg", "set", "dependencies."+about.Name+"=file:"+filepath.ToSlash(sdk))
	}
	command.Dir = folder
	return command, nil
}

// InstallDependencies installs what the program's own list names.
func (h host) InstallDependencies(
	asked *pulumirpc.InstallDependenciesRequest, answer pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	command := exec.Command("npm", "install")
	if h.language == "go" {
		command = exec.Command("go", "mod", "tidy")
	}
	command.Dir = asked.Info.ProgramDirectory
	said, err := command.CombinedOutput()
	if sent := answer.Send(&pulumirpc.InstallDependenciesResponse{Stdout: said}); sent != nil {
		return sent
	}
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}
