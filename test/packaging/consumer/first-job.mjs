import firstJob from "./first-job.cjs";

console.log(JSON.stringify(await firstJob((name) => import(name), JSON.parse(process.env.PLACE))));
