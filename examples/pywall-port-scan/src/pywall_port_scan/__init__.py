"""Reports hosts that try many ports: one source, many different destination ports, most of them never answered."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from pywall_core.api import TCP, Flow, hookimpl

if TYPE_CHECKING:
    from pywall_core.api import Host

MAX_SOURCES = 10_000


class PortScan:
    """Counts, for each source, the ports that it has tried within the window."""

    api_version = 1

    class Options(BaseModel):
        """Options of the plugin."""

        model_config = ConfigDict(extra="forbid")
        ports: int = Field(20, ge=2, description="different ports of one destination that make a scan")
        window: float = Field(60.0, gt=0, description="seconds within which they are tried")

    def __init__(self, options: Options) -> None:
        self.options = options
        self.tried: dict[tuple[bytes, bytes], set[int]] = {}
        self.forget_at = 0.0
        self.scans = 0

    @hookimpl
    def pywall_startup(self, engine: "Host") -> None:
        self.engine = engine

    @hookimpl
    def pywall_flow_start(self, flow: Flow) -> None:
        if flow.proto != TCP or len(self.tried) >= MAX_SOURCES:
            return
        ports = self.tried.setdefault((flow.src, flow.dst), set())
        ports.add(flow.dport)
        if len(ports) == self.options.ports:
            self.scans += 1
            signature = f"port scan: {len(ports)} ports of one host"
            self.engine.emit("alert", flow, alert={"action": "allowed", "signature": signature})

    @hookimpl
    def pywall_tick(self, now: float) -> None:
        if now >= self.forget_at:
            self.tried.clear()
            self.forget_at = now + self.options.window

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        return {"scans": self.scans, "pairs": len(self.tried)}
