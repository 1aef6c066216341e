public import ArgumentParser
public import MSRDeviceModel

extension CPUInfo: ExpressibleByArgument {}
