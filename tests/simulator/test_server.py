"""The server: connections, addresses, failures of its own."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest
import requests

from simulator.application import Simulator
from simulator.server import NotLoopback, SimulatorServer


def test_one_connection_serves_many_requests(served):
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=5)
    connection.connect()
    first_socket = connection.sock
    for _ in range(3):
        connection.request("GET", "/kraken/0/public/Ticker?pair=XBTUSD")
        response = connection.getresponse()
        assert response.read()
        assert response.version == 11
    # http.client drops its socket as soon as the server announces a close.
    assert connection.sock is first_socket
    connection.close()


def test_a_body_is_read_before_the_next_request(served):
    with requests.Session() as session:
        refused = session.post(f"{served.url}/kraken/0/public/Ticker", data=b"x" * 100_000, timeout=5)
        chunked = session.post(f"{served.url}/_control/scenario", data=iter([b'{"scenario":', b'"nan"}']), timeout=5)
        after = session.get(f"{served.url}/_control", timeout=5)

    assert (refused.status_code, chunked.status_code, after.status_code) == (405, 200, 200)


def test_a_head_request_has_no_body(served):
    response = requests.head(f"{served.url}/kraken/0/public/Ticker", timeout=5)

    assert response.status_code == 200
    assert int(response.headers["Content-Length"]) > 1_000
    assert response.content == b""


def test_a_wrong_length_is_refused(served):
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(b"POST /_control/reset HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_a_mistake_of_the_simulator_is_a_500_and_no_outage(served, monkeypatch, capfd):
    monkeypatch.setattr(served.market, "last_price", lambda *_: 1 / 0)

    assert requests.get(f"{served.url}/kraken/0/public/Ticker", timeout=5).status_code == 500
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_only_loopback_is_bound(host):
    with pytest.raises(NotLoopback, match="loopback"):
        SimulatorServer(Simulator(), host=host)


def test_localhost_means_loopback():
    with SimulatorServer(Simulator(), host="localhost") as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_a_taken_port_is_an_error(served):
    with pytest.raises(OSError, match="in use"):
        SimulatorServer(Simulator(), port=urlsplit(served.url).port)


def test_a_stopped_server_gives_its_port_back(world):
    with SimulatorServer(world.simulator) as server:
        url = server.url

    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    with SimulatorServer(world.simulator, port=urlsplit(url).port) as again:
        assert again.url == url
