/** The stretches of time that the overview shows, in minutes. */
export const stretches = [
  [5, "5 minutes"],
  [15, "15 minutes"],
  [60, "1 hour"],
  [360, "6 hours"],
  [1_440, "24 hours"],
] as const;
