import { saboteurs as ambient } from "./ambient.ts";
import { saboteurs as answers } from "./answers.ts";
import { saboteurs as given } from "./arguments.ts";
import { saboteurs as commits } from "./commits.ts";
import { saboteurs as effects } from "./effects.ts";
import { saboteurs as ownClient } from "./own-client.ts";
import { saboteurs as pins } from "./pins.ts";
import type { Saboteur } from "./saboteur.ts";
import { saboteurs as statements } from "./statements.ts";
import { saboteurs as testing } from "./testing.ts";
import { saboteurs as transactions } from "./transactions.ts";
import { saboteurs as verbs } from "./verbs.ts";

export const saboteurs: readonly Saboteur[] = [
  ...transactions,
  ...commits,
  ...statements,
  ...answers,
  ...given,
  ...pins,
  ...verbs,
  ...effects,
  ...ambient,
  ...testing,
  ...ownClient,
];
