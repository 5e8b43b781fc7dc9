// A network and a database from the SoftPOS package, with clients in a security group of their own.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import * as softpos from "@pulumi/softpos";

const config = new pulumi.Config();
const place = {
    region: "eu-central-1",
    accountId: config.require("accountId"),
    owner: config.require("owner"),
    costCentre: "example",
    production: false,
};
const logsKeyArn = config.require("logsKeyArn");
const dataKey = new aws.kms.Key("data", { description: "Data of the example database", enableKeyRotation: true });

const network = new softpos.SecureVpc("network", {
    place,
    logsKeyArn,
    cidr: "10.40.0.0/16",
    availabilityZones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
    nat: "single",
});
const clients = new aws.ec2.SecurityGroup("clients", {
    description: "Clients of the example database",
    vpcId: network.vpcId,
});
const database = new softpos.PaymentDatabase("database", {
    place,
    logsKeyArn,
    alarmTopicArn: config.require("alarmTopicArn"),
    vpcId: network.vpcId,
    dataSubnetIds: [0, 1, 2].map(index => network.dataSubnetIds.apply(ids => ids[index])),
    keyArn: dataKey.arn,
    clients: { application: clients.id },
    instanceClass: "db.t4g.medium",
    backupRetentionDays: 7,
    deletionProtection: false,
});

export const endpoint = database.endpoint;
