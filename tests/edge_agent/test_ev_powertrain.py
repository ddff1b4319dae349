"""The bundled database says what its table says."""

import cantools
import pytest

from edge_agent.database import BUNDLED, read_database

MESSAGES = {
    "BMS_CellVoltages": (0x1A0, 8, "BMS", 100),
    "BMS_PackStatus": (0x1A1, 8, "BMS", 100),
    "MotorCtrl_Status": (0x2B0, 8, "MotorController", 10),
    "MotorCtrl_Thermal": (0x2B1, 8, "MotorController", 500),
    "CoolantLoop": (0x400, 6, "CoolingSystem", 500),
}
SIGNALS = [
    ("BMS_CellVoltages", "Cell_1_Voltage", 0, 16, 0.001, 0, 2.5, 4.2, "V"),
    ("BMS_CellVoltages", "Cell_2_Voltage", 16, 16, 0.001, 0, 2.5, 4.2, "V"),
    ("BMS_CellVoltages", "Cell_3_Voltage", 32, 16, 0.001, 0, 2.5, 4.2, "V"),
    ("BMS_CellVoltages", "Cell_Delta_mV", 48, 16, 0.1, 0, 0, 200, "mV"),
    ("BMS_PackStatus", "Pack_Voltage", 0, 16, 0.1, 0, 300, 800, "V"),
    ("BMS_PackStatus", "Pack_Current", 16, 16, 0.1, -400, -400, 400, "A"),
    ("BMS_PackStatus", "Pack_SOC", 32, 8, 0.5, 0, 0, 100, "%"),
    ("MotorCtrl_Status", "Motor_RPM", 0, 16, 1, 0, 0, 12000, "rpm"),
    ("MotorCtrl_Status", "Motor_Torque", 16, 16, 0.1, 0, 0, 350, "Nm"),
    ("MotorCtrl_Status", "Motor_Power", 32, 16, 0.1, 0, 0, 250, "kW"),
    ("MotorCtrl_Thermal", "Stator_Temp", 0, 8, 1, -40, -40, 180, "degC"),
    ("MotorCtrl_Thermal", "Rotor_Temp", 8, 8, 1, -40, -40, 160, "degC"),
    ("MotorCtrl_Thermal", "Bearing_Temp", 16, 8, 1, -40, -40, 120, "degC"),
    ("CoolantLoop", "Coolant_Inlet", 0, 8, 0.5, -40, -40, 80, "degC"),
    ("CoolantLoop", "Coolant_Outlet", 8, 8, 0.5, -40, -40, 95, "degC"),
    ("CoolantLoop", "Flow_Rate", 16, 16, 0.01, 0, 0, 25, "L/min"),
    ("CoolantLoop", "Pump_Duty", 32, 8, 0.5, 0, 0, 100, "%"),
]


@pytest.fixture(scope="module")
def database():
    return cantools.database.load_file(BUNDLED, strict=True)


def test_messages(database):
    found = {
        message.name: (message.frame_id, message.length, message.senders[0], message.cycle_time)
        for message in database.messages
    }
    assert found == MESSAGES
    assert not any(message.is_extended_frame or message.is_fd for message in database.messages)


def test_signals(database):
    found = [
        (
            message.name,
            signal.name,
            signal.start,
            signal.length,
            signal.scale,
            signal.offset,
            signal.minimum,
            signal.maximum,
            signal.unit,
        )
        for message in database.messages
        for signal in message.signals
    ]
    assert found == SIGNALS
    for message in database.messages:
        for signal in message.signals:
            assert signal.byte_order == "little_endian"
            assert not signal.is_signed


def test_everything_is_explained(database):
    for message in database.messages:
        assert message.comment
        assert all(signal.comment for signal in message.signals)


def test_it_loads_without_a_remark():
    _, loaded = read_database(BUNDLED)
    assert loaded.warnings == ()
