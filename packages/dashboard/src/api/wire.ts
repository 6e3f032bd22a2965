/** A record as JSON carries it: times are ISO text. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Each)[]
    ? readonly Wire<Each>[]
    : T extends object
      ? { readonly [Key in keyof T]: Wire<T[Key]> }
      : T;
