"""The matrix of peers: a module each, with a function `rows`."""
from . import clear, closed, forged, fragments, gateways, kernel, kernel_ends, kills, operator, pluto, probes, process, racoon, strongswan, strongswan_habits, strongswan_life

PEERS = (gateways, process, clear, forged, kills, closed, operator, kernel, kernel_ends, strongswan, strongswan_life, strongswan_habits, racoon, fragments, pluto, probes)
