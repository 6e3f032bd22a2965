import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Board } from "../../src/api.ts";
import { useLook } from "./look.ts";

/** Until the server has said what this viewer may, nothing that changes anything is offered. */
const unknown: Board = {
  title: "Pillion",
  schema: "",
  version: "",
  readOnly: true,
  values: false,
  viewer: null,
};
export const BoardContext = createContext<Board>(unknown);

export const useBoardLook = (): Board => useLook("api/board").data ?? unknown;
export const useBoard = (): Board => useContext(BoardContext);
