"""JAX's modes over several devices: each pushes or pulls its share of the seeds, so that nothing is sent in between."""

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import ProgramCost
from fwdrev.modes.core.engine import Direction, Engine, Jacobian
from fwdrev.modes.core.jax_compile import Traceable, compile_jacobian, compiled_cost, in_one_argument
from fwdrev.modes.engines.jax_reference import JaxJvp, JaxVjp

_AXIS = "seeds"


class _Sharded(Engine):
    """Shares the basis out over the devices that JAX sees; each holds the constants and the point.

    Seeds of zeros fill up the last share; they are not counted. The Jacobian stays where it was computed: column by
    column in forward mode, row by row in reverse mode, if the devices have equal shares, and otherwise on each device.
    """

    __slots__ = ()

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Traces the program, and compiles it for all devices."""
        mesh = _mesh()
        return compile_jacobian(chain, _shared_out(self.direction, Wrt(wrt), mesh), _along(mesh))

    def program_cost(self, chain: Chain, wrt: Wrt | str) -> ProgramCost:
        """XLA's own figures for the program on one of the devices."""
        mesh = _mesh()
        return compiled_cost(chain, _shared_out(self.direction, Wrt(wrt), mesh), _along(mesh))


class JaxJvpSharded(_Sharded, JaxJvp):
    """Forward mode: each device pushes its share of the N tangents."""

    __slots__ = ()

    name = "jax-jvp-sharded"
    summary = "jax-jvp with the tangents shared out over all devices that JAX sees"


class JaxVjpSharded(_Sharded, JaxVjp):
    """Reverse mode: each device pulls its share of the m cotangents."""

    __slots__ = ()

    name = "jax-vjp-sharded"
    summary = "jax-vjp with the cotangents shared out over all devices that JAX sees"


def _mesh() -> Mesh:
    """The devices in one row."""
    return Mesh(jax.local_devices(), (_AXIS,), axis_types=(AxisType.Auto,))


def _along(mesh: Mesh, *axes: str) -> NamedSharding:
    """Rows in shares along this axis of the mesh; without one, a copy on each device."""
    return NamedSharding(mesh, PartitionSpec(*axes))  # type: ignore[no-untyped-call]  # JAX has no type for it


def _shared_out(direction: Direction, wrt: Wrt, mesh: Mesh) -> Traceable:
    """The Jacobian from a basis that lies in shares on the devices of `mesh`; XLA lets what it computes lie there."""

    def jacobian(chain: Chain, x: AnyArray, theta: AnyArray) -> AnyArray:
        f, v = in_one_argument(chain, wrt, x, theta)
        if direction is Direction.FORWARD:
            rows = jax.vmap(lambda tangent: jax.jvp(f, (v,), (tangent,))[1])(basis(v.size, v.dtype))
            return rows[: v.size].T
        y, pull = jax.vjp(f, v)
        (rows,) = jax.vmap(pull)(basis(y.size, y.dtype))
        return rows[: y.size]

    def basis(seeds: int, dtype: jnp.dtype) -> AnyArray:
        share = -(-seeds // mesh.size)
        unit = jnp.eye(share * mesh.size, seeds, dtype=dtype)
        return jax.lax.with_sharding_constraint(unit, _along(mesh, _AXIS))  # type: ignore[no-untyped-call]  # as above

    return jacobian
