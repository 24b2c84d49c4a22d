import * as pulumi from "@pulumi/pulumi";
import { ClientSecretRotation } from "@pulumi/spapi-rotation";

const config = new pulumi.Config();

const rotation = new ClientSecretRotation("selling-partner", {
    applications: {
        shop: { clientId: config.require("clientId"), rotateOnUp: config.get("rotateOnUp") },
    },
    spapiEndpoint: "NA",
});

// The command spapi-rotation looks for outputs of these names.
export const queue_arn = rotation.queueArn;
export const function_name = rotation.functionName;
export const secret_arns = rotation.secretArns;
