package main

import (
	"example.com/pulumi-spapi-rotation/sdk/go/spapirotation"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		conf := config.New(ctx, "")
		shop := spapirotation.ApplicationArgs{ClientId: conf.Require("clientId")}
		if text := conf.Get("rotateOnUp"); text != "" {
			shop.RotateOnUp = pulumi.String(text)
		}

		rotation, err := spapirotation.NewClientSecretRotation(ctx, "selling-partner", &spapirotation.ClientSecretRotationArgs{
			Applications:  map[string]spapirotation.ApplicationArgs{"shop": shop},
			SpapiEndpoint: pulumi.String("NA"),
		})
		if err != nil {
			return err
		}

		// The command spapi-rotation looks for outputs of these names.
		ctx.Export("queue_arn", rotation.QueueArn)
		ctx.Export("function_name", rotation.FunctionName)
		ctx.Export("secret_arns", rotation.SecretArns)
		return nil
	})
}
