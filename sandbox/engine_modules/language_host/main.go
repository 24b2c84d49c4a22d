// Command language_host is a host for programs in TypeScript or Go that knows what `pulumi package add` asks for.
//
// Pulumi's own hosts are in no module proxy; the last ones that are can only run programs. This one generates SDKs by
// the engine's own code, links and installs them as Pulumi's do, and leaves the running to the older host: a program of
// its own name in the folder `older` beside it. The engine starts it as pulumi-language-LANGUAGE.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	language string
	older    func() (pulumirpc.LanguageRuntimeClient, error)
}

func main() {
	_, language, _ := strings.Cut(filepath.Base(os.Args[0]), "pulumi-language-")
	served, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, host{language: language, older: olderHost(language)})
			return nil
		},
	})
	if err == nil {
		fmt.Println(served.Port)
		err = <-served.Done
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
