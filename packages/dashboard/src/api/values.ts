/** A value, as text to show: JSON with line breaks, cut after 65,536 characters. */
export type ValueView =
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly text: string; readonly cut: boolean }
  /** It is encrypted, and never shown. */
  | { readonly kind: "encrypted"; readonly keyId: string | null };
