const firstJob = require("./first-job.cjs");

firstJob(require, JSON.parse(process.env.PLACE)).then((result) => console.log(JSON.stringify(result)));
