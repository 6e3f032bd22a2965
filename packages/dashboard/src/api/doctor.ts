import type { Diagnosis } from "@pillion/core/admin";

export interface DoctorAnswer extends Diagnosis {
  /** When it was looked. */
  readonly at: string;
}
